-- Counts by source name, kept as JSON cells in hashes: one of each minute, for a day; one of each hour, for 31 days; one of
-- all time. They are secondary: what cannot be written is left out. Names are capped in each hash: what comes after as
-- many counts under a name that no job has. Of all time, the names seen longest ago make room.

-- Return a cell with the numbers of another one added; one that is garbage begins anew.
local function added(text, cell)
  local read, there = pcall(cjson.decode, text or '')
  if not read or type(there) ~= 'table' or #there ~= CELL then return cell end
  local sum = {}
  for i = 1, CELL - 2 do sum[i] = (tonumber(there[i]) or 0) + (tonumber(cell[i]) or 0) end
  for i = CELL - 1, CELL do
    local buckets = type(there[i]) == 'table' and there[i] or {}
    for bucket, count in pairs(cell[i]) do buckets[bucket] = (tonumber(buckets[bucket]) or 0) + count end
    sum[i] = buckets
  end
  return sum
end

local function count_in(key, name, cell, ttl)
  local there = try('HGET', key, name)
  if type(there) == 'table' then return end
  if not there then
    local names = try('HLEN', key)
    if type(names) == 'number' and names >= MOST_NAMES then
      name = OTHER_NAMES
      there = try('HGET', key, name)
    end
  end
  local written = try('HSET', key, name, cjson.encode(added(there, cell)))
  if ttl and written == 1 then try('EXPIRE', key, ttl) end
end

-- Have the name seen longest ago make room, of all time, for one that is new.
local function remember(name)
  try('ZADD', COUNTED_NAMES, seconds, name)
  local over = try('ZCARD', COUNTED_NAMES)
  over = type(over) == 'number' and over - MOST_NAMES or 0
  local oldest = over > 0 and try('ZRANGE', COUNTED_NAMES, 0, math.min(over, 100) - 1) or {}
  for _, each in ipairs(oldest.err and {} or oldest) do
    try('ZREM', COUNTED_NAMES, each)
    try('HDEL', COUNTS .. 'all', each)
  end
end

local function count(name, cell)
  remember(name)
  count_in(COUNTS .. 'm:' .. math.floor(seconds / 60), name, cell, COUNTED_MINUTES_KEPT)
  count_in(COUNTS .. 'h:' .. math.floor(seconds / 3600), name, cell, COUNTED_HOURS_KEPT)
  count_in(COUNTS .. 'all', name, cell)
end

-- Count an attempt whose whole worker died, and can count nothing more.
local function count_lost(name)
  local cell = {}
  for i = 1, CELL - 2 do cell[i] = i == LOST_AT and 1 or 0 end
  cell[CELL - 1], cell[CELL] = {}, {}
  count(name, cell)
end
