-- include: alerts
-- Note that a job has ended that no failure group tells of, since it has no record. It is secondary to the move.
local function note_ungrouped(id, status, message)
  if redis.pcall('EXISTS', ALERTS) ~= 1 then return end
  local event = status == 'LOST' and 'job.lost' or 'job.refused'
  local noted, why = pcall(happened, event .. ' without record', event, 'raised', status, 'error', message,
    'job_id', string.sub(id, 1, LONGEST_SHOWN))
  if not noted then problem = type(why) == 'table' and why.err or tostring(why) end
end
