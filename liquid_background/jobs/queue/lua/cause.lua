-- Why a job failed: liquid_background.jobs.queue.causes says the same.
local function cause_of(template, line, raised, message)
  local failure = string.sub(redis.sha1hex(table.concat({template, line, raised, message}, '\n')), 1, 12)
  return {failure = failure, template = template, line = line, raised = raised, message = message, error = message}
end

-- The cause that Python has found.
local function cause_in(encoded, template, line, message)
  local failure, raised, shared = string.match(encoded, '^(%x+)\n([^\n]*)\n(.*)$')
  if not failure then return cause_of(template, line, '', '') end
  return {failure = failure, template = template, line = line, raised = raised, message = shared, error = message}
end
