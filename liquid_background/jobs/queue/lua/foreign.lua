-- Whether another application's workers serve a queue: registered, alive, and not ours.
local function has_other_workers(queue)
  for _, worker in ipairs(on('SRANDMEMBER', WORKERS_OF .. queue, 1000)) do
    -- fetch: birth death lb_ours from worker
    if not record.err and birth and not death and not lb_ours then return true end
  end
  return false
end
