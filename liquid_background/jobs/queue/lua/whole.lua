-- The number in a field: up to MOST_DIGITS digits, at most `most`; else the default.
local function whole(value, default, most)
  if not value or #value > MOST_DIGITS or not string.find(value, '^%d+$') then return default end
  return math.min(tonumber(value), most or math.huge)
end
