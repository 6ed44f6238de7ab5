-- include: set_aside behind pauses
-- Groups. `slots` of a group holds the ids of its jobs that are claimed or run, and of those that were given
-- a slot when one became free and wait in their queue to be claimed. The others of the group that have come up for a
-- claim are parked: RQ's status deferred, in a list a priority. An id can stand in `slots` only once, and only the
-- holder of its lease gives its slot back, so that no slot is freed twice.
local BY_PRIORITY = {}
for i, priority in ipairs(PRIORITIES) do BY_PRIORITY[priority] = i end
local MOST_LOOKED_AT = 500  -- ids that one move looks at; planted ones could be many more

local function parked_in(group, queue)
  return PARKED .. group .. ':' .. queue
end

local function limit_of(value)
  return math.max(1, whole(value, 1))
end

-- Drop slots of jobs whose records are gone or were moved on by other tools, of at most `most` that are looked at.
local function drop_dead(slots, most)
  for _, id in ipairs(on('SRANDMEMBER', slots, most)) do
    -- fetch: status from 'rq:job:' .. id
    local runs = status == 'started' and on('ZSCORE', LEASES, id)
    if status ~= 'queued' and not runs then redis.call('SREM', slots, id) end
  end
end

-- Whether a group has no free slot. A few of those that hold one are looked at, so that no dead one blocks it for long.
local function is_full(slots, limit)
  local taken = on('SCARD', slots)
  if taken < limit then return false end
  if taken > MOST_SLOTS then
    set_aside(slots, 'a group')
    return false
  end
  drop_dead(slots, 3)
  return redis.call('SCARD', slots) >= limit
end

local has_unparked = false

-- Give the free slots of a group to the jobs that are parked in it: higher priorities first, then the oldest. A paused
-- queue's would only keep theirs from the others.
local function unpark(group)
  local slots, looks = SLOTS .. group, MOST_LOOKED_AT
  local paused, passed = pauses(), false
  if paused and paused.group[group] then return end
  for _, queue in ipairs(PRIORITIES) do
    local parked, ready, is_over = parked_in(group, queue), {}, false
    local id = on('LINDEX', parked, 0)
    if id and paused and paused.queue[queue] then id, passed = nil, true end
    while id and not is_over do
      -- fetch: status origin lb_group_limit from 'rq:job:' .. id
      local goes_on = status == 'deferred' and not is_of_another_site(origin)
      looks = looks - 1
      is_over = looks == 0 or (goes_on and is_full(slots, limit_of(lb_group_limit)))
      if not is_over then
        if goes_on then
          redis.call('SADD', slots, id)
          redis.call('HSET', 'rq:job:' .. id, 'status', 'queued')
          ready[#ready + 1] = id
        end
        redis.call('LPOP', parked)
        if status ~= 'deferred' then drop_behind(group .. ':' .. queue, id) end
        try('ZREM', DEFERRED .. queue, id)
        id = redis.call('LINDEX', parked, 0)
      end
    end
    for at = #ready, 1, -1 do on('LPUSH', QUEUE .. queue, ready[at]) end
    if ready[1] then
      wake(queue, #ready)
      has_unparked = true
    end
    if is_over then return end
    if redis.call('LLEN', parked) == 0 then redis.call('DEL', BEHIND .. group .. ':' .. queue) end
  end
  if not passed then try('SREM', GROUPS, group) end
end

-- Free the slot that a job holds. Others may go on even if it held none: the slots may have been lost.
local function leave_group(group, id)
  on('SREM', SLOTS .. group, id)
  unpark(group)
end

-- Take the slot of a job of lower priority, or in a paused queue, that waits to be claimed: it could hold it for long.
local function take_over(slots, id, queue)
  local paused = pauses()
  if queue == 'low' and not paused then return false end
  for _, other in ipairs(redis.call('SRANDMEMBER', slots, MOST_LOOKED_AT)) do
    -- fetch: status lb_token origin from 'rq:job:' .. other
    local of = own_queue(origin) or ''
    local gives_way = (BY_PRIORITY[of] or 0) > (BY_PRIORITY[queue] or 0) or (paused and paused.queue[of])
    if status == 'queued' and (lb_token or '') == '' and gives_way then
      redis.call('SREM', slots, other)
      redis.call('SADD', slots, id)
      return true
    end
  end
  return false
end

local function park(key, id, queue, group, front)
  redis.call('HSET', key, 'status', 'deferred')
  on(front and 'LPUSH' or 'RPUSH', parked_in(group, queue), id)
  try('ZADD', DEFERRED .. queue, now, id)
  try('SADD', GROUPS, group)
end

-- Give a job a slot of its group, or park it; return whether it has one.
local function enter_group(key, id, queue, group, limit)
  local slots = SLOTS .. group
  if on('SISMEMBER', slots, id) == 1 then return true end
  if not is_full(slots, limit_of(limit)) then
    redis.call('SADD', slots, id)
    return true
  end
  if take_over(slots, id, queue) then return true end
  park(key, id, queue, group)
  return false
end

-- Put a job that waits where a pause keeps it, behind those that are there or before them; return whether one does so.
-- It has no slot of its group there.
local function put_by(paused, key, id, queue, group, place, front)
  if group and paused.group[group] then
    on('SREM', SLOTS .. group, id)
    park(key, id, queue, group, front)
    return true
  end
  local name = paused:pause_of(redis.call('HGET', key, 'description'))
  if not name then return false end
  paused.hold(key, id, queue, name, place, front)
  if group and on('SREM', SLOTS .. group, id) == 1 then unpark(group) end
  return true
end

-- Put a job that waits back to where it was claimed from: the front of its queue, or of where a pause keeps it.
local function put_in_front(key, id, queue)
  local paused = pauses()
  if paused and put_by(paused, key, id, queue, redis.call('HGET', key, 'lb_group'), nil, true) then return end
  on('LPUSH', QUEUE .. queue, id)
end

-- Have the jobs go on that are parked though their group has free slots, in at most `most` groups.
local function tend_groups(most)
  for _, group in ipairs(on('SRANDMEMBER', GROUPS, most)) do
    drop_dead(SLOTS .. group, MOST_LOOKED_AT)
    unpark(group)
  end
end
