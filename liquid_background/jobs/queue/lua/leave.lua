-- include: time keep
-- Take a worker's registration away. ARGV: name, the queues.
local key = 'rq:worker:' .. ARGV[1]
on('SREM', 'rq:workers', key)
for i = 2, #ARGV do on('SREM', WORKERS_OF .. ARGV[i], key) end
if redis.call('TYPE', key).ok == 'hash' then redis.call('HSET', key, 'death', iso()) end
redis.call('EXPIRE', key, 60)
redis.call('DEL', key .. ':executions')
return 'ok'
