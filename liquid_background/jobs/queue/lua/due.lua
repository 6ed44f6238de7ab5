-- The milliseconds until the first delayed job of a queue is due, which was read with its score, or `least` when that is
-- less; -1 stands for never.
local function sooner(least, first)
  if not first[2] then return least end
  local wait = math.min(LONGEST_SLEEP, math.max(0, math.ceil((tonumber(first[2]) - now) * 1000)))
  return (least < 0 or wait < least) and wait or least
end
