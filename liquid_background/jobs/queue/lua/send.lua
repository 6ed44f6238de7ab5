-- include: time keep rights log enqueue
-- Enqueue jobs and append log entries, all or nothing.
-- ARGV: log limit, number of jobs, number of entries, the jobs, the entries. Returns the ids that had a record.
check_rights()
local at, there = enqueue_all(ARGV, 4, tonumber(ARGV[2]))
if ARGV[3] ~= '0' then log_lines(ARGV[1], ARGV, at, tonumber(ARGV[3])) end
return there
