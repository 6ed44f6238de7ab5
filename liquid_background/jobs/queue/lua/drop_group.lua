-- Forget a failure group.
local function forget(failure)
  local template = got('HGET', FAILURE_ABOUT .. failure, 'template') or ''
  try('DEL', FAILURE_ABOUT .. failure, FAILURE_HOURS .. failure)
  try('ZREM', FAILURE_GROUPS, failure)
  try('ZREM', FAILURES_OF .. template, failure)
end
