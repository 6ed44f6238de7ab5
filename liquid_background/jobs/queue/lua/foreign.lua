-- Whether other workers serve a queue: registered, alive, and not ours, or ours of a version before the one that is given.
local function has_other_workers(queue, version)
  for _, worker in ipairs(on('SRANDMEMBER', WORKERS_OF .. queue, 1000)) do
    -- fetch: birth death lb_ours from worker
    if not record.err and birth and not death and whole(lb_ours, 0) < (version or 1) then return true end
  end
  return false
end
