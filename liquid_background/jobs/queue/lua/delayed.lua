-- include: time keep foreign unseen
-- Whether lists may trust the index of delayed jobs: see look_delayed.lua. ARGV: the doubt that has been cleared up since, as
-- an earlier call returned it, or ''; the queues.
-- Returns how many jobs are delayed in these, 1 while workers that know nothing of the index are at work, 1 when it has not as
-- many as there are, and the doubt in which it is or ''.
local at, doubt = unpack(on('HMGET', DELAYED_LOOKED, 'at', 'doubt'))
at = whole(at or nil, 0)
if ARGV[1] ~= '' and doubt == ARGV[1] then
  redis.call('HDEL', DELAYED_LOOKED, 'doubt')
  doubt = false
  -- All was compared after the ticks from which it came.
  local since = whole(ARGV[1], 0)
  if since > at then
    at = since
    try('HSET', DELAYED_LOOKED, 'at', string.format('%d', at))
  end
end
local ticked = ticked_unseen(at)
if ticked then
  doubt = string.format('%d', ticked)
  try('HSET', DELAYED_LOOKED, 'doubt', doubt)
end
local delayed, others, differs = 0, 0, 0
for i = 2, #ARGV do
  local there = on('ZCARD', SCHEDULED .. ARGV[i])
  delayed = delayed + there
  if there ~= on('ZCARD', DELAYED .. ARGV[i]) then differs = 1 end
  if has_other_workers(ARGV[i], OURS) then others = 1 end
end
return {delayed, others, differs, doubt or ''}
