-- The milliseconds of a time as RQ writes it, to the microsecond; nil for anything else.
local function ms_of(text)
  local year, month, day, hour, minute, second, micro =
    string.match(text or '', '^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)%.(%d%d%d%d%d%d)Z$')
  if not year then return nil end
  -- The inverse of `iso`: a year begins in March there.
  local y, m = tonumber(year) - (tonumber(month) < 3 and 1 or 0), (tonumber(month) + 9) % 12
  local leap = math.floor(y / 4) - math.floor(y / 100) + math.floor(y / 400)
  local days = 365 * y + leap + math.floor((153 * m + 2) / 5) + day - 719469
  return math.max(0, ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000 + micro / 1000)
end
