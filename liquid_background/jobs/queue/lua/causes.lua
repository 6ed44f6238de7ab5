-- include: blank
-- Read of jobs what tells why they failed, each value within bounds. ARGV: most bytes of a field, most bytes in all, how many
-- fields, their names, then the ids. Returns a row an id, in their order, as many as fit: the fields, and behind them the
-- traceback as RQ keeps it.
local longest, budget, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rows = {}

local function within(value)
  if not value then return false end
  budget = budget - #value  -- what is not returned has been read, too
  return #value <= longest and value
end

local function traceback(id)
  local newest = read('XREVRANGE', 'rq:results:' .. id, '+', '-', 'COUNT', 1)
  local fields = newest and newest[1] and newest[1][2] or {}
  for i = 1, #fields, 2 do
    if fields[i] == 'exc_string' then return within(fields[i + 1]) end
  end
  return false
end

for i = 4 + count, #ARGV do
  local row = {}
  for name = 4, 3 + count do
    local length = read('HSTRLEN', 'rq:job:' .. ARGV[i], ARGV[name])
    local fits = length and length > 0 and length <= longest
    row[#row + 1] = fits and within(redis.call('HGET', 'rq:job:' .. ARGV[i], ARGV[name]))
  end
  row[#row + 1] = traceback(ARGV[i])
  rows[#rows + 1] = row
  if budget < 0 then break end
end
return rows
