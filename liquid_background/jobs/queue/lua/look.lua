-- include: time keep elsewhere unfile
-- Compare the indexes of failed jobs with the records, a slice at a time: what is filed and has not failed is taken out, and
-- so is an id in RQ's registries whose job has not failed; what has failed and is not filed, or is filed wrongly, is returned.
-- ARGV: how many of the newest of each queue to pass over and how many to look at, how many a slice, then the place in the
-- registries and in the index where the slices begin, as an earlier call returned them, or '' for none; 'shared' for the
-- places of all workers, of which one looks in a while.
-- Returns {how many have failed, how many are filed, the next places or '', how many were taken out, the ids to file}.
local passed, newest, slice = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local place, at = ARGV[4], ARGV[5]
local REST = 400  -- ms from one shared look to the next
local OLDEST = 20  -- of the index, which expire first
local GROUPS_AT_ONCE = 4
local KEPT_EMPTY = 7 * 86400000  -- ms for which a group without failed jobs is kept; a silenced one ten times as long
local shared = place == 'shared'
local queues = PRIORITIES
local missing, seen, removed = {}, {}, 0

local function is_failed(record, status, origin)
  return not record.err and status == 'failed' and not is_of_another_site(origin)
end

-- RQ has jobs that it stopped among the failed ones, and nowhere else. They are counted apart, to tell how many have failed.
local function is_stopped(record, status, origin)
  return not record.err and status == 'stopped' and not is_of_another_site(origin)
end

-- The milliseconds of a time as RQ writes it; nil for anything else.
local function ms_of(text)
  local year, month, day, hour, minute, second, micro =
    string.match(text or '', '^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)%.(%d%d%d%d%d%d)Z$')
  if not year then return nil end
  -- The inverse of `iso`: a year begins in March there.
  local y, m = tonumber(year) - (tonumber(month) < 3 and 1 or 0), (tonumber(month) + 9) % 12
  local days = 365 * y + math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400) + math.floor((153 * m + 2) / 5) + day - 719469
  return ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000 + math.floor(micro / 1000)
end

local function is_filed(id, failure, name, ended)
  local of = got('HGET', FAILED_OF, id)
  local group, at_name = string.match(type(of) == 'string' and of or '', '^(%x+) (.*)$')
  local score = group and group == failure and got('ZSCORE', FAILED_IDS, id)
  if not score or not got('ZSCORE', FAILED_GROUP .. group, id) then return false end
  local ms = ms_of(ended)
  if ms and ms ~= tonumber(score) then return false end
  if at_name ~= '' and at_name ~= '*' and at_name ~= name then return false end
  local names = index_of_name(at_name)
  return not names or got('ZSCORE', names, id) and got('EXISTS', FAILURE_ABOUT .. group) == 1
end

-- Look at ids of a registry with their scores.
local function compare(queue, ids)
  for i = 1, #ids, 2 do
    local id = ids[i]
    if not seen[id] and tonumber(ids[i + 1]) > now then
      seen[id] = true
      -- fetch: status origin lb_failure description ended_at from 'rq:job:' .. id
      if #id <= LONGEST_ID and is_stopped(record, status, origin) then
        if not got('ZSCORE', FAILED_STOPPED, id) then
          unfile(id)
          try('ZADD', FAILED_STOPPED, ids[i + 1], id)
        end
      elseif #id > LONGEST_ID or not is_failed(record, status, origin) then
        on('ZREM', FAILED_IN .. queue, id)
        unfile(id)
        removed = removed + 1
      elseif not is_filed(id, lb_failure, description, ended_at) then
        missing[#missing + 1] = id
      end
    end
  end
end

-- Look at filed ids.
local function sift(ids, step)
  for i = 1, #ids, step do
    -- fetch: status origin from 'rq:job:' .. ids[i]
    local expiry = is_failed(record, status, origin) and on('ZSCORE', FAILED_IN .. queue_of(origin), ids[i])
    if not expiry or tonumber(expiry) <= now then
      unfile(ids[i])
      removed = removed + 1
    end
  end
end

-- Look at jobs that RQ stopped, some of them where they are many.
local function sift_stopped()
  local there = got('ZCARD', FAILED_STOPPED) or 0
  local first = there > slice and now_ms % there or 0
  for _, id in ipairs(there > 0 and got('ZRANGE', FAILED_STOPPED, first, first + slice - 1) or {}) do
    -- fetch: status origin from 'rq:job:' .. id
    if not (is_stopped(record, status, origin) and on('ZSCORE', FAILED_IN .. queue_of(origin), id)) then
      on('ZREM', FAILED_STOPPED, id)
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
  sift(got('ZRANGE', FAILED_IDS, 0, OLDEST - 1) or {}, 1)
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
  if at == '0' then sift_stopped() end
  local after, ids = unpack(on('ZSCAN', FAILED_IDS, cursor_of(at), 'COUNT', slice))
  sift(ids, 2)
  at = after == '0' and '' or after
end
if shared then
  try('HSET', FAILURES_LOOKED, 'at', string.format('%d', now_ms), 'place', place == '' and '1:0' or place,
    'index', at == '' and '0' or at, 'group', group_at)
end
local to_come = '(' .. string.format('%.6f', now)
local failed = -(got('ZCOUNT', FAILED_STOPPED, to_come, '+inf') or 0)
for _, queue in ipairs(queues) do failed = failed + on('ZCOUNT', FAILED_IN .. queue, to_come, '+inf') end
return {failed, got('ZCARD', FAILED_IDS) or 0, place, at, removed, missing}
