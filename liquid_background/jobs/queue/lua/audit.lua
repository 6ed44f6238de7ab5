-- Say in the audit who did what. It is a stream of its own, so that no line of a template pushes an entry out.
local function audit(by, action, about)
  try('XADD', AUDIT, 'MAXLEN', '~', MOST_AUDITED, '*', 'by', string.sub(by, 1, LONGEST_AUDITED),
    'action', string.sub(action, 1, LONGEST_AUDITED), 'about', string.sub(about, 1, LONGEST_AUDITED))
end

-- What the audit calls a job.
local function about_job(id)
  local name = redis.pcall('HGET', 'rq:job:' .. id, 'description')
  return 'job ' .. id .. ' (' .. (type(name) == 'string' and name or '') .. ')'
end
