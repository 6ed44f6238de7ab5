-- Take a job that waits out of where it stands, with its claim and its slot.
local function take_out(key, id, queue, status, token, group)
  if status == 'queued' then on('LREM', QUEUE .. queue, 1, id) end
  if status == 'scheduled' then on('ZREM', SCHEDULED .. queue, id) end
  if status == 'deferred' and group then
    on('LREM', parked_in(group, queue), 1, id)
    on('ZREM', DEFERRED .. queue, id)
  end
  if token then
    release(key, id, queue, token, '', false)
  elseif group then
    leave_group(group, id)
  end
end
