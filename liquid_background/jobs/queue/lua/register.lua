-- include: time keep
-- Register a worker as RQ's tools know workers. ARGV: name, ttl, pid, host, address, version, Python version,
-- what it runs (see applications.py), the application's version or '', how many had its place before it, the version of
-- liquid-background, the queues.
local name, ttl = ARGV[1], ARGV[2]
local key, stamp, queues, names = 'rq:worker:' .. name, iso(), {unpack(ARGV, 12)}, {}
for i, queue in ipairs(queues) do names[i] = SITE .. queue end
redis.call('DEL', key, key .. ':executions')
redis.call('HSET', key, 'birth', stamp, 'last_heartbeat', stamp, 'queues', table.concat(names, ','), 'pid', ARGV[3],
  'hostname', ARGV[4], 'ip_address', ARGV[5], 'version', ARGV[6], 'python_version', ARGV[7], 'state', 'idle', 'lb_ours', OURS,
  'lb_runs', ARGV[8], 'lb_recycles', ARGV[10], 'lb_version', ARGV[11])
if ARGV[9] ~= '' then redis.call('HSET', key, 'lb_app_version', ARGV[9]) end
redis.call('EXPIRE', key, ttl)
local sets = {'rq:workers'}
for _, queue in ipairs(queues) do sets[#sets + 1] = WORKERS_OF .. queue end
for _, set in ipairs(sets) do
  on('SADD', set, key)
  -- Workers that died without a word leave their names behind when their key expires, in the first set those of all sites.
  for _, other in ipairs(redis.call('SRANDMEMBER', set, 10000)) do
    -- Another application's name need not be one that this user may ask for.
    if redis.pcall('EXISTS', other) == 0 then redis.call('SREM', set, other) end
  end
end
return 'ok'
