-- Return the ids of at most `limit` jobs a state and queue, newest first.
-- ARGV: limit, source name or '' for any, what ids begin with, how many ids to look at a list, then the states to look in:
-- queued, scheduled, deferred, claimed, started, finished, failed, canceled; behind '--' the queues.
local limit, source_name, prefix, budget = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local found, seen = {}, {}

local function take(ids, status)
  local taken = 0
  for _, id in ipairs(ids) do
    if taken == limit then return end
    local ours = string.sub(id, 1, #prefix) == prefix
    local record = ours and redis.call('HMGET', 'rq:job:' .. id, 'status', 'description') or {}
    local fits = record[1] and (not status or record[1] == status) and (source_name == '' or record[2] == source_name)
    if fits and not seen[id] then
      seen[id] = true
      taken = taken + 1
      found[#found + 1] = id
    end
  end
end

local function bare(members)
  for i, member in ipairs(members) do members[i] = string.match(member, '^[^:]*') end
  return members
end

local function reversed(ids)
  local turned = {}
  for i = #ids, 1, -1 do turned[#turned + 1] = ids[i] end
  return turned
end

local readers = {
  queued = function(queue) take(reversed(redis.call('LRANGE', 'rq:queue:' .. queue, -budget, -1))) end,
  scheduled = function(queue) take(redis.call('ZRANGE', 'rq:scheduled:' .. queue, 0, budget - 1)) end,
  deferred = function(queue) take(redis.call('ZREVRANGE', 'rq:deferred:' .. queue, 0, budget - 1), 'deferred') end,
  started = function(queue) take(bare(redis.call('ZREVRANGE', 'rq:wip:' .. queue, 0, budget - 1))) end,
  finished = function(queue) take(redis.call('ZREVRANGE', 'rq:finished:' .. queue, 0, budget - 1)) end,
  failed = function(queue) take(redis.call('ZREVRANGE', 'rq:failed:' .. queue, 0, budget - 1)) end,
  canceled = function(queue) take(redis.call('ZREVRANGE', 'rq:canceled:' .. queue, 0, budget - 1)) end,
}

local states, queues, target = {}, {}, nil
target = states
for i = 5, #ARGV do
  if ARGV[i] == '--' then target = queues else target[#target + 1] = ARGV[i] end
end
for _, state in ipairs(states) do
  if state == 'claimed' then
    take(redis.call('ZRANGE', 'liquid_background:leases', 0, budget - 1), 'queued')
  else
    for _, queue in ipairs(queues) do readers[state](queue) end
  end
end
return found
