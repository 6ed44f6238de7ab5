-- include: time keep foreign came
-- Compare the indexes of delayed jobs with RQ's registries, a slice at a time: what is delayed and stands in no index, or at
-- another time, is written there, and what is delayed no more is taken out.
-- RQ's tools and workers of the version before know nothing of the indexes. While such workers are registered, and after a
-- time without looks, in which they may have been, the indexes are in doubt until all has been compared from then on.
-- ARGV: how many a slice, and where it begins, as an earlier call returned it; 'shared' for the place of all workers, of which
-- one looks in a while; 1 to leave out at what times those stand that are indexed, which takes reading records.
-- Returns {} when it was not this caller's turn; else the next place or '', how many entries were mended, 1 while others
-- are at work.
-- A place is a number, that of a queue for its registry and three more for its index, and a cursor there.
local slice, place, quick = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
local REST = 400  -- ms from one shared look to the next
local LONGEST_AWAY = 60000  -- ms without a look after which others may have been at work
local FIRST = '1:0'
local queues = PRIORITIES
local shared = place == 'shared'
local mended = 0

local function has_others()
  for _, queue in ipairs(queues) do
    if has_other_workers(queue, OURS) then return true end
  end
  return false
end

-- Return the scores of ids in a sorted set, false where one is not there, asked for a few at a time: Lua's stack is short.
local function scores_of(key, pairs)
  local scores = {}
  for first = 1, #pairs, 1000 do
    local ids = {}
    for i = first, math.min(first + 999, #pairs), 2 do ids[#ids + 1] = pairs[i] end
    for _, score in ipairs(on('ZMSCORE', key, unpack(ids))) do scores[#scores + 1] = score end
  end
  return scores
end

-- Look at ids of a registry, each with a score.
local function file(queue, pairs)
  for i, score in ipairs(scores_of(DELAYED .. queue, pairs)) do
    local id = pairs[2 * i - 1]
    local came = not (quick and score) and came_at('rq:job:' .. id)
    if came and came ~= tonumber(score or -1) then
      try('ZADD', DELAYED .. queue, came, id)
      mended = mended + 1
    end
  end
end

-- Look at ids of an index, each with a score.
local function sift(queue, pairs)
  for i, score in ipairs(scores_of(SCHEDULED .. queue, pairs)) do
    if not score then
      try('ZREM', DELAYED .. queue, pairs[2 * i - 1])
      mended = mended + 1
    end
  end
end

-- Look at the slice that begins at a place; return the next place.
local function look(from)
  local number, cursor = string.match(from, '^([1-6]):(%d+)$')
  number, cursor = tonumber(number or 1), cursor and #cursor <= 20 and cursor or '0'
  local queue, is_index = queues[(number - 1) % 3 + 1], number > 3
  local after, ids = unpack(on('ZSCAN', (is_index and DELAYED or SCHEDULED) .. queue, cursor, 'COUNT', slice))
  if is_index then sift(queue, ids) else file(queue, ids) end
  if after ~= '0' then return number .. ':' .. after end
  return number < 6 and number + 1 .. ':0' or ''
end

local others = has_others()
if not shared then return {look(place), mended, others and 1 or 0} end

local last, noted, calm = unpack(on('HMGET', DELAYED_LOOKED, 'at', 'place', 'calm'))
local gap = now_ms - whole(last or nil, 0)
if gap >= 0 and gap < REST then return {} end
-- At the first look, too: workers of the version before were there.
local was_away = math.abs(gap) > LONGEST_AWAY
place = not was_away and noted or FIRST
if others or was_away then on('HSET', DELAYED_LOOKED, 'doubt', string.format('%d', now_ms)) end
if others then calm = '' elseif place == FIRST then calm = '1' end  -- whether no others were there since it began
place = look(place)
if place == '' and calm == '1' then on('HDEL', DELAYED_LOOKED, 'doubt') end
on('HSET', DELAYED_LOOKED, 'at', string.format('%d', now_ms), 'place', place == '' and FIRST or place,
  'calm', calm or '')
return {place, mended, others and 1 or 0}
