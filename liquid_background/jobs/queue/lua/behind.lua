-- Ids that stay behind in a long list though their jobs were cancelled: a hash a list, which says how often each id stands
-- there for nothing, and under '' how many that are in all. `name` is the queue's, or the group's with it.
local function leave_behind(name, id)
  on('HINCRBY', BEHIND .. name, id, 1)
  on('HINCRBY', BEHIND .. name, '', 1)
end

-- Count an id out that was taken from the list, and for nothing; return whether it was one of those.
local function drop_behind(name, id)
  local key = BEHIND .. name
  local times = whole(on('HGET', key, id), 0)
  if times == 0 then return false end
  if times > 1 then redis.call('HSET', key, id, times - 1) else redis.call('HDEL', key, id) end
  local left = whole(redis.call('HGET', key, ''), 0) - 1
  if left > 0 then redis.call('HSET', key, '', left) else redis.call('DEL', key) end
  return true
end

-- Drop the ids that stay behind at the front of a list, so that what stands first there is a job that waits.
local function drop_first(list, name)
  local MOST_DROPPED = 100
  for _ = 1, MOST_DROPPED do
    local id = on('LINDEX', list, 0)
    if not id or redis.pcall('HGET', 'rq:job:' .. id, 'status') ~= 'canceled' or not drop_behind(name, id) then return end
    redis.call('LPOP', list)
  end
end
