-- Whether another application's workers serve a queue: registered, alive, and not ours.
local function has_other_workers(queue)
  for _, worker in ipairs(redis.call('SMEMBERS', 'rq:workers:' .. queue)) do
    local record = redis.call('HMGET', worker, 'birth', 'death', 'lb_ours')
    if record[1] and not record[2] and not record[3] then return true end
  end
  return false
end
