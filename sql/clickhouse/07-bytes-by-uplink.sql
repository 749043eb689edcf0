-- Bytes per router and uplink in the last day.
SELECT router, uplink, sum(bytes_sent) AS sent, sum(bytes_received) AS received
FROM usage FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
    AND time_ms >= (toUnixTimestamp(now()) - 86400) * 1000
GROUP BY router, uplink ORDER BY sent + received DESC LIMIT 100;
