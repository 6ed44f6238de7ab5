-- include: blank
-- Return what is paused, flat, and 1 where RQ's own suspend holds. A user who may see only a site's keys is told of no suspend.
local suspended = redis.pcall('EXISTS', 'rq:suspended')
return {read('HGETALL', PAUSES) or {}, suspended == 1 and 1 or 0}
