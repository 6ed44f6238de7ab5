-- Ids that stay behind in a long list though their jobs were cancelled: a sorted set a list, by when they were seen there
-- last, with an id once for each time that it stands there for nothing: id, id:2, id:3. So its size is how many ids of the
-- list are not those of jobs that wait. `name` is the queue's, or the group's with it.
local function as_member(id, times)
  return times == 1 and id or id .. ':' .. times
end

local function times_behind(key, id)
  local times = 0
  while on('ZSCORE', key, as_member(id, times + 1)) do times = times + 1 end
  return times
end

local function leave_behind(name, id)
  local key = BEHIND .. name
  on('ZADD', key, now_ms, as_member(id, times_behind(key, id) + 1))
end

-- Count an id out that was taken from the list, and for nothing; return whether it was one of those.
local function drop_behind(name, id)
  local key = BEHIND .. name
  local times = times_behind(key, id)
  if times == 0 then return false end
  redis.call('ZREM', key, as_member(id, times))
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

-- Count out some that were taken away by other tools, or by workers of the version before.
local function tend_behind(list, name)
  local MOST_GONE, MOST_THERE = 10, 3
  local key, gone, there = BEHIND .. name, 0, 0
  if on('LLEN', list) == 0 then redis.call('DEL', key) end
  while gone < MOST_GONE and there < MOST_THERE do
    local member = on('ZRANGE', key, 0, 0)[1]
    if not member then return end
    if redis.call('LPOS', list, string.match(member, '^[^:]*')) then
      redis.call('ZADD', key, now_ms, member)
      there = there + 1
    else
      redis.call('ZREM', key, member)
      gone = gone + 1
    end
  end
end
