select judgement_id, source, transaction_id, is_fraud, epoch_us(known_time) as known
from {{ source('lake', 'judgements') }}
