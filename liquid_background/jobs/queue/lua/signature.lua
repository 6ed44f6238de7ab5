-- Leave of a job's signature, when the job has ended, what liquid_background.jobs.queue.signing says.
local function spend(key, signature)
  if not signature or signature == '' or string.sub(signature, 1, 6) == 'ended:' then return end
  local times, digest = string.sub(signature, 1, -65), string.sub(signature, -64)
  redis.call('HSET', key, 'lb_sig', 'ended:' .. times .. redis.sha1hex(digest))
end
