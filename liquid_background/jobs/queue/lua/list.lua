-- include: blank site elsewhere
-- Return the ids of at most `limit` jobs a state and queue, newest first.
-- ARGV: limit, source name or '' for any, what ids begin with, how many ids to look at a list, then the states to look in:
-- claimed, those of `readers`, and of jobs that have ended RQ's words, by which the places are named; behind '--' the queues.
local limit, source_name, prefix, budget = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local found, seen = {}, {}

-- Whether a job belongs in the list. One whose record cannot be read does, unless a filter asks what it says.
local function fits(id, status)
  if #id > LONGEST_ID or string.sub(id, 1, #prefix) ~= prefix then return false end
  local key = 'rq:job:' .. id
  local state, description, origin = unpack(read('HMGET', key, 'status', 'description', 'origin') or {})
  if not state and redis.call('EXISTS', key) == 0 then return false end
  if is_of_another_site(origin) then return false end
  return (not status or state == status) and (source_name == '' or description == source_name)
end

local function take(ids, status)
  local taken = 0
  for _, id in ipairs(ids or {}) do
    if taken == limit then return end
    if not seen[id] and fits(id, status) then
      seen[id] = true
      taken = taken + 1
      found[#found + 1] = id
    end
  end
end

local function bare(members)
  for i, member in ipairs(members or {}) do members[i] = string.match(member, '^[^:]*') end
  return members
end

local function reversed(ids)
  local turned = {}
  for i = #(ids or {}), 1, -1 do turned[#turned + 1] = ids[i] end
  return turned
end

local readers = {
  queued = function(queue) take(reversed(read('LRANGE', QUEUE .. queue, -budget, -1))) end,
  scheduled = function(queue) take(read('ZRANGE', SCHEDULED .. queue, 0, budget - 1)) end,
  deferred = function(queue) take(read('ZREVRANGE', DEFERRED .. queue, 0, budget - 1), 'deferred') end,
  started = function(queue) take(bare(read('ZREVRANGE', WIP .. queue, 0, budget - 1))) end,
}

local function read_ended(state, queue)
  take(read('ZREVRANGE', 'rq:' .. state .. ':' .. SITE .. queue, 0, budget - 1))
end

local states, queues, target = {}, {}, nil
target = states
for i = 5, #ARGV do
  if ARGV[i] == '--' then target = queues else target[#target + 1] = ARGV[i] end
end
for _, state in ipairs(states) do
  if state == 'claimed' then
    take(read('ZRANGE', LEASES, 0, budget - 1), 'queued')
  else
    for _, queue in ipairs(queues) do
      if readers[state] then readers[state](queue) else read_ended(state, queue) end
    end
  end
  -- RQ's registry has an attempt from its first beat on only.
  if state == 'started' then take(read('ZRANGE', LEASES, 0, budget - 1), 'started') end
end
return found
