-- include: time keep rights log enqueue
-- Enqueue jobs and append log entries, all or nothing.
-- ARGV: log limit, number of jobs, number of entries, the jobs, the entries. Returns the ids that
-- had a record; or the id, alone, of a job that another site's has, and nothing was done.
check_rights()
local count = tonumber(ARGV[2])
local known, elsewhere = known_ids(ARGV, 4, count)
if elsewhere then return elsewhere end
local at, there = enqueue_all(ARGV, 4, count, ARGV[1], known)
if ARGV[3] ~= '0' then log_lines(ARGV[1], ARGV, at, tonumber(ARGV[3])) end
return there
