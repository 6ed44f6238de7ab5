-- The server's clock, and RQ's way of writing a time. Lua in the store has no os.date.
local clock = redis.call('TIME')
local seconds, micros = tonumber(clock[1]), tonumber(clock[2])
local now = seconds + micros / 1000000
local now_ms = seconds * 1000 + math.floor(micros / 1000)
local written

local function iso()
  if written then return written end
  local floor = math.floor
  local rest = seconds % 86400
  -- Days since 1970 to year, month, day of the Gregorian calendar, counted from 1 March of year 0.
  local z = (seconds - rest) / 86400 + 719468
  local era = floor(z / 146097)
  local doe = z - era * 146097
  local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
  local mp = floor((5 * doy + 2) / 153)
  local day = doy - floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  written = string.format('%d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day,
    floor(rest / 3600), floor(rest % 3600 / 60), rest % 60, micros)
  return written
end
