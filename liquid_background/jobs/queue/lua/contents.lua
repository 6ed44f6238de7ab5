-- include: blank site elsewhere
-- Return all that records of this site say, and their results. ARGV: most bytes in all, the ids.
-- Returns a row an id, in their order, as many as fit: false where there is no record of this site, else its fields and values,
-- flat, and the values of its results.
local budget = tonumber(ARGV[1])
local MOST_RESULTS = 20  -- RQ keeps ten
local rows = {}

for i = 2, #ARGV do
  local record = read('HGETALL', 'rq:job:' .. ARGV[i]) or {}
  local origin, results = nil, {}
  for at = 1, #record, 2 do
    if record[at] == 'origin' then origin = record[at + 1] end
    budget = budget - #record[at + 1]
  end
  for _, entry in ipairs(read('XRANGE', 'rq:results:' .. ARGV[i], '-', '+', 'COUNT', MOST_RESULTS) or {}) do
    for at = 2, #entry[2], 2 do
      results[#results + 1] = entry[2][at]
      budget = budget - #entry[2][at]
    end
  end
  rows[#rows + 1] = record[1] and not is_of_another_site(origin) and {record, results} or false
  if budget < 0 then break end
end
return rows
