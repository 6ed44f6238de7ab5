-- Counts by source name, kept as JSON cells in hashes: one of each minute, for a day; one of each hour and of each day, for
-- 31 days; one of all time. They are secondary: what cannot be written is left out. Names are capped in each hash: for one that comes after
-- as many, another one is counted under a name that no job has from then on. That is one that was not seen for a day, of
-- all time, else that which has run least of a few: names that an author makes up push out each other, and no others.
-- Return a cell with the numbers of another one added; one that is garbage begins anew.
local function added(text, cell)
  local read, there = pcall(cjson.decode, text or '')
  if not read or type(there) ~= 'table' or #there ~= CELL then return cell end
  local sum = {}
  for i = 1, CELL - 2 do sum[i] = (tonumber(there[i]) or 0) + (tonumber(cell[i]) or 0) end
  for i = CELL - 1, CELL do
    local buckets = type(there[i]) == 'table' and there[i] or {}
    for bucket, count in pairs(type(cell[i]) == 'table' and cell[i] or {}) do
      buckets[bucket] = (tonumber(buckets[bucket]) or 0) + (tonumber(count) or 0)
    end
    sum[i] = buckets
  end
  return sum
end

local DAY = 86400
local looked = 0
local is_queue = {}
for _, priority in ipairs(PRIORITIES) do is_queue[priority] = true end

-- Return the name that has run least of some in a hash, wherever a scan happens to begin.
local function lightest_in(key)
  looked = looked + 1
  local cursor = string.format('%d', (micros * 31 + looked * 977) % 65536)
  local found = try('HSCAN', key, cursor, 'COUNT', 10)
  -- Near its end a scan finds few, or none.
  if not found.err and #found[2] < 10 then found = try('HSCAN', key, '0', 'COUNT', 10) end
  local least, fewest = nil, math.huge
  for i = 1, found.err and 0 or #found[2], 2 do
    local runs = tonumber(string.match(found[2][i + 1], '^%[(%d+)')) or 0
    if runs < fewest and found[2][i] ~= OTHER_NAMES then least, fewest = found[2][i], runs end
  end
  return least
end

-- Return a name that was not seen for a day, of all time.
local function outdated()
  local oldest = try('ZRANGE', COUNTED_NAMES, 0, 0, 'WITHSCORES')
  return not oldest.err and oldest[1] and tonumber(oldest[2]) < seconds - DAY and oldest[1] or nil
end

-- Count what a hash has of a name under that of the others.
local function pass_on(key, name)
  local cell = try('HGET', key, name)
  local read, counted = pcall(cjson.decode, cell or '')
  if read and type(counted) == 'table' and #counted == CELL then
    try('HSET', key, OTHER_NAMES, cjson.encode(added(try('HGET', key, OTHER_NAMES), counted)))
  end
  try('HDEL', key, name)
end

local function count_in(key, name, cell, ttl, of_all)
  local there = try('HGET', key, name)
  if type(there) == 'table' then return end
  local names = not there and name ~= OTHER_NAMES and try('HLEN', key)
  if type(names) == 'number' and names >= MOST_NAMES then
    local gives_way = (of_all and outdated()) or lightest_in(key)
    if gives_way then
      pass_on(key, gives_way)
      if of_all then try('ZREM', COUNTED_NAMES, gives_way) end
    else
      name = OTHER_NAMES
      there = try('HGET', key, name)
    end
  end
  local written = try('HSET', key, name, cjson.encode(added(there, cell)))
  if ttl and written == 1 then try('EXPIRE', key, ttl) end
  return name
end

-- Note when a name was seen that is counted of all time. Where there are more than are counted, as when counts are lost, the oldest go.
local function remember(name)
  if not name or name == OTHER_NAMES then return end
  try('ZADD', COUNTED_NAMES, seconds, name)
  local over = try('ZCARD', COUNTED_NAMES)
  over = type(over) == 'number' and over - MOST_NAMES or 0
  local oldest = over > 0 and try('ZRANGE', COUNTED_NAMES, 0, math.min(over, 100) - 1) or {}
  for _, each in ipairs(oldest.err and {} or oldest) do
    try('ZREM', COUNTED_NAMES, each)
    pass_on(COUNTS .. 'all', each)
  end
end

-- Count under a name, which may be followed by a line with the queue: all time is counted by queues, too, in numbers that
-- never fall but where a name gives way to another one. Workers of a version before say no queue.
local function count(named, cell)
  local name, queue = string.match(named, '^(.*)\n(%l+)$')
  if is_queue[queue] then
    count_in(COUNTS .. 'all:' .. queue, name, cell)
  else
    name = named
  end
  count_in(COUNTS .. 'm:' .. math.floor(seconds / 60), name, cell, COUNTED_MINUTES_KEPT)
  count_in(COUNTS .. 'hour:' .. math.floor(seconds / 3600), name, cell, COUNTED_HOURS_KEPT)
  count_in(COUNTS .. 'day:' .. math.floor(seconds / DAY), name, cell, COUNTED_DAYS_KEPT)
  remember(count_in(COUNTS .. 'all', name, cell, nil, true))
end

-- Count an attempt whose whole worker died, and can count nothing more.
local function count_lost(name)
  local cell = {}
  for i = 1, CELL - 2 do cell[i] = i == LOST_AT and 1 or 0 end
  cell[CELL - 1], cell[CELL] = {}, {}
  count(name, cell)
end
