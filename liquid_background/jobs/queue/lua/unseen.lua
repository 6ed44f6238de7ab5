-- When a worker has ticked, though none has looked at the indexes of delayed jobs for some time before that: one of a version
-- that knows nothing of them. False when none has. `at`: when one looked last, in milliseconds.
local LATE = 5000  -- ms that a tick may come after a look: those who look do so twice a second, unless they are busy

local function ticked_unseen(at)
  local noted = redis.pcall('GET', TICKED)
  local last = whole(type(noted) == 'string' and string.match(noted, '^%d+') or nil, 0)
  return last > at + LATE and last
end
