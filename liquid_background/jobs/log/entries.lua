-- Read the log backwards and return the entries that match, newest first, with where to go on.
-- ARGV: newest id, oldest id, how many entries to return, how many to look at, most bytes of a field, the keys of the
-- log and of the ends that are older, then the filters: which value of an entry, and what it has to be, empty for any;
-- a type in small letters.
-- Returns {entries, next newest id or '' at the end}. Only what matches leaves the store, and nothing of a key that is
-- no stream. Behind the stream's oldest entry come the ends of attempts that lines of templates would have pushed out:
-- a stream of their own, whose ids are older.
local newest, oldest, wanted, budget, longest = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local filters = {}
for i = 8, #ARGV, 2 do
  if ARGV[i + 1] ~= '' then filters[#filters + 1] = {2 * tonumber(ARGV[i]), ARGV[i + 1]} end
end
local found = {}
local streams = {}
for _, key in ipairs({ARGV[6], ARGV[7]}) do
  if redis.call('TYPE', key).ok == 'stream' then streams[#streams + 1] = key end
end

-- The newest entries from `newest` back, at most `count`.
local function read(count)
  for _, key in ipairs(streams) do
    local chunk = redis.call('XREVRANGE', key, newest, oldest, 'COUNT', count)
    if #chunk > 0 then return chunk end
  end
  return {}
end

local function cut(fields)
  for i, value in ipairs(fields) do
    if #value > longest then fields[i] = string.sub(value, 1, longest) end
  end
end

while budget > 0 do
  local chunk = read(math.min(budget, 200))
  if #chunk == 0 then return {found, ''} end
  for _, entry in ipairs(chunk) do
    local fields, fits = entry[2], true
    for _, filter in ipairs(filters) do
      local value = fields[filter[1]]
      if value and fields[filter[1] - 1] == 'type' then value = string.lower(value) end
      if value ~= filter[2] then fits = false end
    end
    if fits then
      cut(fields)
      found[#found + 1] = entry
    end
    if #found == wanted then return {found, ''} end
  end
  newest = '(' .. chunk[#chunk][1]
  budget = budget - #chunk
end
return {found, newest}
