-- What is left of a job's signature when the job has ended, as liquid_background.queue.signing says.
local function spend(key, signature)
  if not signature or signature == '' or string.sub(signature, 1, 6) == 'ended:' then return end
  redis.call('HSET', key, 'lb_sig', 'ended:' .. string.sub(signature, 1, -65) .. redis.sha1hex(string.sub(signature, -64)))
end
