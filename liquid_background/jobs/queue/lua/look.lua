-- include: time keep elsewhere unfile moment
-- Compare the indexes of failed jobs with the records, a slice at a time: what is filed and has not failed is taken out, and
-- so is an id in RQ's registries whose job has not failed; what has failed and is not filed, or is filed wrongly, is returned.
-- ARGV: how many of the newest of each queue to pass over and how many to look at, how many a slice, then the place in the
-- registries and in the index where the slices begin, as an earlier call returned them, or '' for none; 'shared' for the
-- places of all workers, of which one looks in a while.
-- Returns {how many have failed, how many are filed, the next places or '', how many were taken out, the ids to file}.
local passed, newest, slice = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local place, at = ARGV[4], ARGV[5]
local REST = 400  -- ms from one shared look to the next
local OLDEST = 10  -- of the index, which expire first
local GROUPS_AT_ONCE = 4
local KEPT_EMPTY = 7 * 86400000  -- ms for which a group without failed jobs is kept; a silenced one ten times as long
local shared = place == 'shared'
local queues = PRIORITIES
local missing, seen, removed = {}, {}, 0

local function is_failed(record, status, origin)
  return not record.err and status == 'failed' and not is_of_another_site(origin)
end

-- RQ has jobs that it stopped among the failed ones, and nowhere else; and no list shows an id that is too long. They are
-- counted apart, to tell how many have failed.
local function is_apart(id, record, status, origin)
  if record.err or is_of_another_site(origin) then return false end
  return status == 'stopped' or (status == 'failed' and #id > LONGEST_ID)
end

-- Return what a command that takes many members says of each, asked for a few at a time: more would not fit on Lua's stack.
local function of_each(command, key, members)
  local said = {}
  for i = 1, #members, 1000 do
    local last = math.min(i + 999, #members)
    local part = got(command, key, unpack(members, i, last)) or {}
    for j = i, last do said[j] = part[j - i + 1] or false end
  end
  return said
end

local known = {}  -- groups of which something is known

local function is_known(group)
  if known[group] == nil then known[group] = got('EXISTS', FAILURE_ABOUT .. group) == 1 end
  return known[group]
end

-- Whether a job is filed as its record says; `of` and `score` are what it is filed under, and when it ended.
local function is_filed(id, of, score, failure, name, ended)
  local group, at_name = string.match(type(of) == 'string' and of or '', '^(%x+) (.*)$')
  if not score or group ~= failure or not got('ZSCORE', FAILED_GROUP .. group, id) or not is_known(group) then return false end
  local ms = ms_of(ended)
  if ms and ms ~= tonumber(score) then return false end
  if at_name ~= '' and at_name ~= '*' and at_name ~= name then return false end
  local names = index_of_name(at_name)
  return not names or got('ZSCORE', names, id)
end

-- Look at ids of a registry with their scores.
local function compare(queue, pairs)
  local ids, expiries = {}, {}
  for i = 1, #pairs, 2 do
    if not seen[pairs[i]] and tonumber(pairs[i + 1]) > now then
      seen[pairs[i]] = true
      ids[#ids + 1], expiries[#expiries + 1] = pairs[i], pairs[i + 1]
    end
  end
  local filed, scores = of_each('HMGET', FAILED_OF, ids), of_each('ZMSCORE', FAILED_IDS, ids)
  for i, id in ipairs(ids) do
    -- fetch: status origin lb_failure description ended_at from 'rq:job:' .. id
    if is_apart(id, record, status, origin) then
      if not got('ZSCORE', FAILED_APART, id) then
        unfile(id)
        try('ZADD', FAILED_APART, expiries[i], id)
      end
    elseif not is_failed(record, status, origin) then
      on('ZREM', FAILED_IN .. queue, id)
      unfile(id)
      removed = removed + 1
    elseif queue_of(origin) ~= queue then
      -- It strayed: in two places it would count twice.
      on('ZADD', FAILED_IN .. queue_of(origin), expiries[i], id)
      on('ZREM', FAILED_IN .. queue, id)
      removed = removed + 1
      seen[id] = nil
    elseif not is_filed(id, filed[i], scores[i], lb_failure, description, ended_at) then
      missing[#missing + 1] = id
    end
  end
end

-- Look at filed ids.
local function sift(ids)
  local expiries = {}
  for _, queue in ipairs(queues) do expiries[queue] = of_each('ZMSCORE', FAILED_IN .. queue, ids) end
  for i, id in ipairs(ids) do
    -- fetch: status origin from 'rq:job:' .. id
    local expiry = is_failed(record, status, origin) and expiries[queue_of(origin)][i]
    if not expiry or tonumber(expiry) <= now then
      unfile(id)
      removed = removed + 1
    end
  end
end

-- Look at those that are counted apart, at some of them where they are many.
local function sift_apart()
  local there = got('ZCARD', FAILED_APART) or 0
  local first = there > slice and now_ms % there or 0
  for _, id in ipairs(there > 0 and got('ZRANGE', FAILED_APART, first, first + slice - 1) or {}) do
    -- fetch: status origin from 'rq:job:' .. id
    if not (is_apart(id, record, status, origin) and on('ZSCORE', FAILED_IN .. queue_of(origin), id)) then
      on('ZREM', FAILED_APART, id)
      removed = removed + 1
    end
  end
end

-- Forget groups that have had no failed job for long.
local function tend(from)
  local groups = got('ZRANGE', FAILURE_GROUPS, from, from + GROUPS_AT_ONCE - 1) or {}
  -- include: drop_group
  for _, failure in ipairs(groups) do
    local last, silenced = unpack(got('HMGET', FAILURE_ABOUT .. failure, 'last', 'silenced_at') or {})
    local kept = silenced and 10 * KEPT_EMPTY or KEPT_EMPTY
    if got('EXISTS', FAILED_GROUP .. failure) == 0 and whole(last or nil, 0) < now_ms - kept then forget(failure) end
  end
  return #groups < GROUPS_AT_ONCE and 0 or from + GROUPS_AT_ONCE
end

local function cursor_of(text)
  return string.find(text, '^%d+$') and #text <= 20 and text or '0'
end

local group_at = 0
if shared then
  local noted = got('HMGET', FAILURES_LOOKED, 'at', 'place', 'index', 'group') or {}
  local last = whole(noted[1] or nil, 0)
  if last <= now_ms and now_ms - last < REST then return {} end
  place, at, group_at = noted[2] or '1:0', cursor_of(noted[3] or ''), whole(noted[4] or nil, 0, MOST_FAILURES)
  group_at = tend(group_at)
  sift(got('ZRANGE', FAILED_IDS, 0, OLDEST - 1) or {})
end
for _, queue in ipairs(newest > 0 and queues or {}) do
  compare(queue, on('ZREVRANGE', FAILED_IN .. queue, passed, passed + newest - 1, 'WITHSCORES'))
end
if place ~= '' then
  local number, cursor = string.match(place, '^([123]):(%d+)$')
  number = tonumber(number or 1)
  local after, ids = unpack(on('ZSCAN', FAILED_IN .. queues[number], cursor_of(cursor or ''), 'COUNT', slice))
  compare(queues[number], ids)
  if after == '0' then number = number + 1 end
  place = queues[number] and number .. ':' .. after or ''
end
if at ~= '' then
  if at == '0' then sift_apart() end
  local after, pairs = unpack(on('ZSCAN', FAILED_IDS, cursor_of(at), 'COUNT', slice))
  local ids = {}
  for i = 1, #pairs, 2 do ids[#ids + 1] = pairs[i] end
  sift(ids)
  at = after == '0' and '' or after
end
if shared then
  try('HSET', FAILURES_LOOKED, 'at', string.format('%d', now_ms), 'place', place == '' and '1:0' or place,
    'index', at == '' and '0' or at, 'group', group_at)
end
local to_come = '(' .. string.format('%.6f', now)
local failed = -(got('ZCOUNT', FAILED_APART, to_come, '+inf') or 0)
for _, queue in ipairs(queues) do failed = failed + on('ZCOUNT', FAILED_IN .. queue, to_come, '+inf') end
return {failed, got('ZCARD', FAILED_IDS) or 0, place, at, removed, missing}
