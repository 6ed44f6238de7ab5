-- include: time keep rights passed
-- Keep which jobs passed a proof that no operation made. ARGV: its id, then for each its id and the end of the run that
-- was proven. Returns how many it has by now.
check_rights()
keep_passed(ARGV[1], 2)
return on('ZCARD', PROVED .. ARGV[1])
