-- include: blank site elsewhere
-- Return records as people are shown them, each value within bounds.
-- ARGV: most bytes of a field, most bytes of a result, most bytes in all, how many fields, their names, then the ids.
-- Returns a row an id, in their order, as many as fit: false where there is no record of this site, else the fields and behind them
-- the result, with false for what is not there, is too long or is of another type.
local longest, longest_result, budget, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local rows = {}

local function field(key, name)
  local length = read('HSTRLEN', key, name)
  if not length or length == 0 or length > longest then return false end
  budget = budget - length
  return redis.call('HGET', key, name)
end

local function result(id)
  local newest = read('XREVRANGE', 'rq:results:' .. id, '+', '-', 'COUNT', 1)
  local fields = newest and newest[1] and newest[1][2] or {}
  local found = false
  for i = 1, #fields, 2 do
    budget = budget - #fields[i + 1]  -- what is not returned has been read, too
    if fields[i] == 'return_value' and #fields[i + 1] <= longest_result then found = found or fields[i + 1] end
  end
  return found or (#fields > 0 and NOT_KEPT)  -- one that is there and too long is not shown as blank
end

for i = 5 + count, #ARGV do
  local key = 'rq:job:' .. ARGV[i]
  local row = false
  if redis.call('EXISTS', key) == 1 and not is_of_another_site(read('HGET', key, 'origin')) then
    row = {}
    for name = 5, 4 + count do row[#row + 1] = field(key, ARGV[name]) end
    row[#row + 1] = result(ARGV[i])
  end
  rows[#rows + 1] = row
  if budget < 0 then break end
end
return rows
