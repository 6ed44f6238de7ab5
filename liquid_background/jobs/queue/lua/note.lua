-- include: time keep audit
-- Say in the audit what was done elsewhere than in a script of its own. ARGV: by whom, what, about what.
-- Returns what the store said when it did not take it, else nil.
audit(ARGV[1], ARGV[2], ARGV[3])
return problem
