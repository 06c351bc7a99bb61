"""Between the words of this service and the contract in protos/retail/payment/v1."""
