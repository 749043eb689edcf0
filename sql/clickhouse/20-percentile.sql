-- The 95th percentile of the 5-minute rates of the last 30 days, from a full hour on, in
-- Mbit/s. All rows of a router are on one shard, so that no shard needs the values of another one.
SELECT router, uplink, sent_mbps, received_mbps
FROM (SELECT router, uplink, quantileExact(0.95)(bytes_sent) * 8 / 300e6 AS sent_mbps,
        quantileExact(0.95)(bytes_received) * 8 / 300e6 AS received_mbps
    FROM usage FINAL
    WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 2592000, 3600)
    GROUP BY router, uplink)
ORDER BY received_mbps DESC LIMIT 100
SETTINGS distributed_group_by_no_merge = 1;
