-- Jobs of paused names: see pauses.lua, inside of whose function this is.

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

-- Whether a job is paused that was claimed before.
local function has_paused(paused, key)
  -- fetch: origin description lb_group from key
  return paused.suspended or paused.queue[queue_of(origin)] or (lb_group and paused.group[lb_group])
    or pause_of(paused, description) ~= nil
end

local seen = {}  -- sets of held jobs behind whose last one a place was given out

-- A place in a sorted set of held jobs: behind the others, or before them. Places are microseconds, so that those of several
-- sets compare; in one set none comes in between others, whatever the clock does.
local function place_in(held, front)
  local place = seconds * 1000000 + micros
  if not front and seen[held] then
    last_place = last_place + 1
    return last_place
  end
  local at = front and 0 or -1
  local there = tonumber(on('ZRANGE', held, at, at, 'WITHSCORES')[2]) or place
  if front then
    first_place = math.min(place, there - 1, (first_place or place) - 1)
    return first_place
  end
  seen[held], last_place = true, math.max(place, there + 1, (last_place or place) + 1)
  return last_place
end

local named = {}  -- what HELD has been told

-- Hold a job that waits; `place` is the one that it has had in another set.
local function hold(key, id, queue, name, place, front)
  local held = held_in(name, queue)
  redis.call('HSET', key, 'status', 'deferred', 'lb_held', name)
  on('ZADD', held, place or place_in(held, front), id)
  try('ZADD', DEFERRED .. queue, now, id)
  if not named[name] then on('SADD', HELD, name) end
  named[name] = true
end
