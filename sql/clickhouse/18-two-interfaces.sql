-- Flows of the last day that left by more than one interface.
SELECT router, id, proto, src, dst, dport, egress, verdict, reason
FROM flows FINAL
WHERE started_ms >= (toUnixTimestamp(now()) - 86400) * 1000 AND position(ifNull(egress, ''), ',') > 0
ORDER BY router, id LIMIT 100;
