-- Concurrency groups. `slots` of a group holds the ids of its jobs that are claimed or run, and of those that were given
-- a slot when one became free and wait in their queue to be claimed. The others of the group that have come up for a
-- claim are parked: RQ's status deferred, in a list a priority. An id can stand in `slots` only once, and only the
-- holder of its lease gives its slot back, so that no slot is freed twice.
local BY_PRIORITY = {high = 1, default = 2, low = 3}
local PRIORITIES = {'high', 'default', 'low'}

local function parked_in(group, queue)
  return 'liquid_background:parked:' .. group .. ':' .. queue
end

-- Give the free slots of a group to the jobs that are parked in it: higher priorities first, then the oldest.
local function unpark(group)
  local slots = 'liquid_background:slots:' .. group
  for _, queue in ipairs(PRIORITIES) do
    local parked = parked_in(group, queue)
    local id = redis.call('LINDEX', parked, 0)
    while id do
      local record = redis.call('HMGET', 'rq:job:' .. id, 'status', 'lb_group_limit')
      if record[1] == 'deferred' then
        if redis.call('SCARD', slots) >= (tonumber(record[2]) or 1) then return end
        redis.call('SADD', slots, id)
        redis.call('HSET', 'rq:job:' .. id, 'status', 'queued')
        redis.call('LPUSH', 'rq:queue:' .. queue, id)
        wake(queue, 1)
      end
      redis.call('LPOP', parked)
      redis.call('ZREM', 'rq:deferred:' .. queue, id)
      id = redis.call('LINDEX', parked, 0)
    end
  end
  redis.call('SREM', 'liquid_background:groups', group)
end

-- Free the slot that a job holds, if it holds one.
local function leave_group(group, id)
  if redis.call('SREM', 'liquid_background:slots:' .. group, id) == 1 then unpark(group) end
end

-- Take the slot of a job of lower priority that waits to be claimed: behind other work, it could hold it for long.
local function take_over(slots, id, queue)
  if queue == 'low' then return false end
  for _, other in ipairs(redis.call('SMEMBERS', slots)) do
    local record = redis.call('HMGET', 'rq:job:' .. other, 'status', 'lb_token', 'origin')
    local lower = (BY_PRIORITY[record[3] or ''] or 0) > (BY_PRIORITY[queue] or 0)
    if record[1] == 'queued' and (record[2] or '') == '' and lower then
      redis.call('SREM', slots, other)
      redis.call('SADD', slots, id)
      return true
    end
  end
  return false
end

-- Give a job a slot of its group, or park it; return whether it has one.
local function enter_group(key, id, queue, group, limit)
  local slots = 'liquid_background:slots:' .. group
  if redis.call('SISMEMBER', slots, id) == 1 then return true end
  if redis.call('SCARD', slots) < (tonumber(limit) or 1) then
    redis.call('SADD', slots, id)
    return true
  end
  if take_over(slots, id, queue) then return true end
  redis.call('HSET', key, 'status', 'deferred')
  redis.call('RPUSH', parked_in(group, queue), id)
  redis.call('ZADD', 'rq:deferred:' .. queue, now, id)
  redis.call('SADD', 'liquid_background:groups', group)
  return false
end

-- Drop the slots of jobs whose records are gone or were moved on by other tools, for at most `most` groups.
local function tend_groups(most)
  for _, group in ipairs(redis.call('SRANDMEMBER', 'liquid_background:groups', most)) do
    local slots = 'liquid_background:slots:' .. group
    for _, id in ipairs(redis.call('SMEMBERS', slots)) do
      local status = redis.pcall('HGET', 'rq:job:' .. id, 'status')
      if status ~= 'queued' and status ~= 'started' then redis.call('SREM', slots, id) end
    end
    unpark(group)
  end
end
