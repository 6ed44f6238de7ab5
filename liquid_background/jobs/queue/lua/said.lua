-- What the log says of why an attempt failed: all of it as long as the log holds few bytes of long reasons, else its
-- beginning, whoever's they are. So they push out nobody's ends, which count by their number; a job's record says all.
-- What the long ones take is noted with an entry that is no newer than the last of them, and forgotten when that has gone.
local function is_newer(id, other)
  local ms, n = string.match(id, '^(%d+)-(%d+)$')
  local other_ms, other_n = string.match(other, '^(%d+)-(%d+)$')
  ms, other_ms = tonumber(ms), tonumber(other_ms)
  return ms > other_ms or (ms == other_ms and tonumber(n) > tonumber(other_n))
end

local function first_of(command, key, from, to)
  local found = redis.pcall(command, key, from, to, 'COUNT', 1)
  return not found.err and found[1] and found[1][1]
end

local function said_of(message)
  local noted = try('GETRANGE', LOG_LONG, 0, 100)
  local spent, last = string.match(type(noted) == 'string' and noted or '', '^(%d+) (%d+%-%d+)$')
  local oldest = first_of('XRANGE', LOG_ENDS, '-', '+') or first_of('XRANGE', LOG, '-', '+')
  if not spent or not oldest or is_newer(oldest, last) then spent = 0 end
  spent = whole(tostring(spent), 0) + #message
  if spent <= math.floor(limit / 2) * WEIGHED then
    local newest = first_of('XREVRANGE', LOG, '+', '-') or '0-0'
    local kept = try('SET', LOG_LONG, string.format('%.0f ', spent) .. newest)
    if not kept.err then return message end
  end
  local cut = string.sub(message, 1, SHORT - 3)
  return string.gsub(cut, '[\192-\255]?[\128-\191]*$', '', 1) .. '\226\128\166'  -- three dots, behind whole characters
end
