-- Return about what keys take, in bytes, by the lengths of what they hold: for who may not ask the server. ARGV: the keys.
local A_KEY, A_FIELD, A_MEMBER = 100, 30, 100
local MOST_FIELDS = 100  -- of a hash whose values are looked at

local readers = {}

function readers.string(key) return redis.call('STRLEN', key) end
function readers.list(key) return A_MEMBER / 2 * redis.call('LLEN', key) end
function readers.set(key) return A_MEMBER * redis.call('SCARD', key) end
function readers.zset(key) return A_MEMBER * redis.call('ZCARD', key) end

function readers.hash(key)
  local number = redis.call('HLEN', key)
  if number > MOST_FIELDS then return 2 * A_MEMBER * number end
  local size = 0
  for _, field in ipairs(redis.call('HKEYS', key)) do size = size + A_FIELD + redis.call('HSTRLEN', key, field) end
  return size
end

function readers.stream(key)
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  local size = 0
  for _, value in ipairs(last and last[2] or {}) do size = size + #value end
  return size * redis.call('XLEN', key)
end

local sizes = {}
for i, key in ipairs(ARGV) do
  local read = readers[redis.call('TYPE', key).ok]
  sizes[i] = read and math.floor(A_KEY + read(key)) or 0
end
return sizes
