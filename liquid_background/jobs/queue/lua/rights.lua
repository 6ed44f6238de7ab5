-- Raise before the first write when this user may not run what a move is made of: half of one would strand its jobs.
-- Servers before 7 cannot be asked.
local function check_rights()
  if not redis.acl_check_cmd then return end
  for _, command in ipairs({'hset', 'hdel', 'persist', 'expire'}) do
    if not redis.acl_check_cmd(command, 'rq:job:', '0', '0') then error({err = 'NOPERM this user may not run ' .. command}) end
  end
  for _, command in ipairs({'zadd', 'zrem', 'lpush', 'rpush', 'lpop', 'sadd', 'srem'}) do
    if not redis.acl_check_cmd(command, QUEUE, '0', '0') then error({err = 'NOPERM this user may not run ' .. command}) end
  end
end
