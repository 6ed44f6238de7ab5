-- Whether another application's workers serve a queue: registered, alive, and not ours.
local function has_other_workers(queue)
  for _, worker in ipairs(on('SRANDMEMBER', 'rq:workers:' .. queue, 1000)) do
    local record = redis.pcall('HMGET', worker, 'birth', 'death', 'lb_ours')
    if not record.err and record[1] and not record[2] and not record[3] then return true end
  end
  return false
end
