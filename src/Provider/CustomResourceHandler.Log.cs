using Microsoft.Extensions.Logging;

namespace UdpGateway.Provider;

public sealed partial class CustomResourceHandler
{
    private static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Error, "An invocation of {Length} bytes is no CloudFormation event; there is nobody to answer.")]
        public static partial void NotAnEvent(ILogger logger, int length);

        [LoggerMessage(2002, LogLevel.Error, "Request {RequestId} asks for its answer to be sent to a host that is not CloudFormation's; it is ignored.")]
        public static partial void ForeignResponseUrl(ILogger logger, string requestId);

        [LoggerMessage(2003, LogLevel.Information, "{RequestType} of {LogicalResourceId} (request {RequestId}, continuation {Continuation}).")]
        public static partial void Received(ILogger logger, string requestType, string logicalResourceId, string requestId, int continuation);

        [LoggerMessage(2004, LogLevel.Information, "Request {RequestId} was answered before and gets the same answer.")]
        public static partial void Replayed(ILogger logger, string requestId);

        [LoggerMessage(2005, LogLevel.Information, "{LogicalResourceId} is answered (request {RequestId}).")]
        public static partial void Answered(ILogger logger, string logicalResourceId, string requestId);

        [LoggerMessage(2006, LogLevel.Warning, "{LogicalResourceId} failed (request {RequestId}): {Reason}")]
        public static partial void Failed(ILogger logger, string logicalResourceId, string requestId, string reason);

        [LoggerMessage(2007, LogLevel.Error, "Request {RequestId} met an unexpected fault.")]
        public static partial void Unexpected(ILogger logger, Exception exception, string requestId);

        [LoggerMessage(2008, LogLevel.Information, "{LogicalResourceId} is not served yet (request {RequestId}): {Obstacle}")]
        public static partial void NotYetServed(ILogger logger, string logicalResourceId, string requestId, string obstacle);

        [LoggerMessage(2010, LogLevel.Warning, "Request {RequestId} is tried again: {Cause}")]
        public static partial void Repeated(ILogger logger, string requestId, string cause);

        [LoggerMessage(2009, LogLevel.Information, "{LogicalResourceId} goes on in another invocation (request {RequestId}).")]
        public static partial void Continued(ILogger logger, string logicalResourceId, string requestId);
    }
}
