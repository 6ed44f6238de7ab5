-- include: time keep rights log enqueue
-- Enqueue jobs and append log entries, all or nothing.
-- ARGV: log limit, number of jobs, number of entries, the jobs, the entries. Returns the ids that
-- had a record; or the id, alone, of a job that another site's has, and nothing was done.
-- What is read, and a record's write, which is the first, are refused by themselves.
for _, command in ipairs({'rpush', 'zadd', 'del'}) do check_right(command, QUEUE) end
local count = tonumber(ARGV[2])
local known, elsewhere = known_ids(ARGV, 4, count)
if elsewhere then return elsewhere end
local at, there = enqueue_all(ARGV, 4, count, ARGV[1], known)
if ARGV[3] ~= '0' then log_lines(ARGV[1], ARGV, at, tonumber(ARGV[3])) end
if ARGV[2] == '0' and problem then
  -- Entries alone, refused by a server that may not be the primary any more: the sender has to look where that is.
  for _, code in ipairs({'READONLY', 'MASTERDOWN', 'NOREPLICAS'}) do
    if string.find(problem, code, 1, true) then error({err = problem}) end
  end
end
return there
