-- include: time keep rights log enqueue group record
-- Put claimed jobs that were not started back to the front of their queue, or of where a pause keeps them, in their order.
-- ARGV: token, queue, the ids. Returns how many went back.
local token, queue = ARGV[1], ARGV[2]
local back = 0
check_rights()
for i = #ARGV, 3, -1 do
  local id = ARGV[i]
  local key = 'rq:job:' .. id
  -- fetch: status lb_token from key
  if not record.err and status == 'queued' and lb_token == token then
    release(key, id, queue, token, '', false)
    put_in_front(key, id, queue)
    back = back + 1
  end
end
if back > 0 then wake(queue, back) end
return back
