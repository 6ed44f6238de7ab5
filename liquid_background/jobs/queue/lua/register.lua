-- include: time keep
-- Register a worker as RQ's tools know workers. ARGV: name, ttl, pid, host, address, version, Python version, the
-- application's version or '', the queues.
local name, ttl = ARGV[1], ARGV[2]
local key, stamp, queues = 'rq:worker:' .. name, iso(), {unpack(ARGV, 9)}
redis.call('DEL', key, key .. ':executions')
redis.call('HSET', key, 'birth', stamp, 'last_heartbeat', stamp, 'queues', table.concat(queues, ','), 'pid', ARGV[3],
  'hostname', ARGV[4], 'ip_address', ARGV[5], 'version', ARGV[6], 'python_version', ARGV[7], 'state', 'idle', 'lb_ours', 1)
if ARGV[8] ~= '' then redis.call('HSET', key, 'lb_app_version', ARGV[8]) end
redis.call('EXPIRE', key, ttl)
on('SADD', 'rq:workers', key)
for _, queue in ipairs(queues) do on('SADD', 'rq:workers:' .. queue, key) end
-- Workers that died without a word leave their names behind when their key expires.
for _, other in ipairs(redis.call('SRANDMEMBER', 'rq:workers', 10000)) do
  -- Another application's name need not be one that this user may ask for.
  if redis.pcall('EXISTS', other) == 0 then
    redis.call('SREM', 'rq:workers', other)
    for _, queue in ipairs(queues) do on('SREM', 'rq:workers:' .. queue, other) end
  end
end
return 'ok'
