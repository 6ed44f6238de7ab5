-- include: moment
local minutes = {}  -- what such times begin with, in microseconds

-- When a delayed job came to where it is, in microseconds, as lists have it (places.py); 0 when its record does not say.
local function came_at(key)
  local times = redis.pcall('HMGET', key, 'created_at', 'started_at')
  local latest = ''
  for i = 1, 2 do
    local time = not times.err and times[i]
    if time and #time == 27 and time > latest then latest = time end
  end
  if not string.find(latest, '^%d%d%.%d%d%d%d%d%dZ$', 18) then return 0 end
  local minute = string.sub(latest, 1, 17)
  if not minutes[minute] then minutes[minute] = (ms_of(minute .. '00.000000Z') or -1) * 1000 end
  return math.max(0, minutes[minute] + tonumber(string.sub(latest, 18, 19)) * 1000000 + tonumber(string.sub(latest, 21, 26)))
end
