-- What is paused: queues, source names or what such names begin with, groups; and everything, by RQ's own suspend.
-- A claim passes a paused queue over, and takes the group of a paused group for full. A job of a paused name that comes up
-- for a claim is held: RQ's status deferred, in a sorted set of that name and the job's queue, in the order in which they
-- came. HELD says which names have such sets. What it names and nothing pauses comes back: a claim takes that before the
-- queue. So to resume is one write, whatever number is held, and pauses that are lost lose no job.

local paused_now  -- false when nothing is paused or held

-- Return what is paused, by kind; nil when nothing is, and nothing is held.
local function pauses()
  if paused_now ~= nil then return paused_now or nil end
  paused_now = false
  -- It raises for a user who may see only a site's keys: such a one is not asked to obey what concerns all sites.
  if redis.pcall('EXISTS', PAUSES, HELD, 'rq:suspended') == 0 then return nil end
  paused_now = {queue = {}, name = {}, group = {}, beginnings = {}, suspended = redis.pcall('EXISTS', 'rq:suspended') == 1}
  if on('HLEN', PAUSES) > 2 * MOST_PAUSES then set_aside(PAUSES, 'a pause') end  -- more than that were planted
  for _, paused in ipairs(redis.call('HKEYS', PAUSES)) do
    local kind, name = string.match(paused, '^(%l+):(.+)$')
    if kind == 'queue' or kind == 'name' or kind == 'group' then paused_now[kind][name] = true end
    if kind == 'name' and string.sub(name, -1) == '*' then paused_now.beginnings[#paused_now.beginnings + 1] = string.sub(name, 1, -2) end
  end
  return paused_now
end

-- The pause that a source name falls under, as it was written; nil when none does. What is no source name is of another
-- application's job.
local function pause_of(paused, source_name)
  if not source_name or not string.find(source_name, '^[%w_-]+$') then return nil end
  if paused.name[source_name] then return source_name end
  for _, beginning in ipairs(paused.beginnings) do
    if string.sub(source_name, 1, #beginning) == beginning then return beginning .. '*' end
  end
  return nil
end

local function held_in(name, queue)
  return HELD .. ':' .. name .. ':' .. queue
end

local first_place, last_place  -- that were given out

-- A place in a sorted set of held jobs: behind the others, or before them. Places are microseconds, so that those of several
-- sets compare; in one set none comes in between others, whatever the clock does.
local function place_in(held, front)
  local at = front and 0 or -1
  local place = seconds * 1000000 + micros
  local there = tonumber(on('ZRANGE', held, at, at, 'WITHSCORES')[2]) or place
  if front then
    place = math.min(place, there - 1, (first_place or place) - 1)
    first_place = place
  else
    place = math.max(place, there + 1, (last_place or place) + 1)
    last_place = place
  end
  return place
end

-- Hold a job that waits; `place` is the one that it has had in another set.
local function hold(key, id, queue, name, place, front)
  local held = held_in(name, queue)
  redis.call('HSET', key, 'status', 'deferred', 'lb_held', name)
  on('ZADD', held, place or place_in(held, front), id)
  try('ZADD', DEFERRED .. queue, now, id)
  on('SADD', HELD, name)
end

-- Whether a job is paused that was claimed before.
local function is_paused(key)
  local paused = pauses()
  if not paused then return false end
  -- fetch: origin description lb_group from key
  return paused.suspended or paused.queue[queue_of(origin)] or (lb_group and paused.group[lb_group])
    or pause_of(paused, description) ~= nil
end
