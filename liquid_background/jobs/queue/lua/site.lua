-- The queue that a record names; a planted name must not send a job where nobody serves it.
local function queue_of(origin)
  return origin == HIGH_QUEUE and 'high' or origin == LOW_QUEUE and 'low' or 'default'
end
