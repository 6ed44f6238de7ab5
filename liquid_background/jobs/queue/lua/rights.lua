-- Raise before the first write when this user may not run what a move is made of: half of one would strand its jobs.
-- Servers before 7 cannot be asked.
local function check_right(command, key)
  -- The key stands for all arguments, since some commands, such as DEL, take each for one.
  if redis.acl_check_cmd and not redis.acl_check_cmd(command, key, key, key) then
    error({err = 'NOPERM this user may not run ' .. command .. ' on ' .. key})
  end
end

local function check_rights()
  for _, command in ipairs({'hset', 'hdel', 'persist', 'expire', 'hget', 'hmget', 'exists', 'del'}) do
    check_right(command, 'rq:job:')
  end
  for _, command in ipairs({'zadd', 'zrem', 'zrange', 'zscore', 'lpush', 'rpush', 'lpop', 'llen', 'lindex', 'sadd', 'srem',
    'scard', 'sismember', 'srandmember'}) do check_right(command, QUEUE) end
end
